"""The pipeline that the notebooks of these tests work with."""

from __future__ import annotations

SET_UP = """
import time
import datajoint as dj
dj.conn("sqlite:///{name}.db")
schema = dj.Schema("lab")

@schema
class Subject(dj.Manual):
    definition = '''
    # an animal
    subject_id : int32
    ---
    species : enum('mouse', 'rat')
    '''

@schema
class Session(dj.Manual):
    definition = '''
    # a recording
    -> Subject
    session : int32
    ---
    started : datetime
    comment=null : varchar(200)   # <b>bold</b> & "quoted"
    weight=null : float64
    big : int64
    trace=null : <blob>
    '''

@schema
class Score(dj.Computed):
    definition = '''
    -> Session
    ---
    score : float64
    '''

    key_source = Session & "session < 20 AND subject_id < 2"

    def make(self, key):
        time.sleep(0.1)
        if key["session"] == 7 and key["subject_id"] == 1:
            raise ValueError("<script>no trace</script> to score")
        self.insert1({{**key, "score": key["session"] / 3}})

Subject.insert([{{"subject_id": i, "species": "mouse" if i % 2 else "rat"}} for i in range(30)])
Session.insert(
    {{"subject_id": i // 100, "session": i % 100, "started": f"2024-01-01 {{i // 60 % 24:02d}}:{{i % 60:02d}}:00",
     "comment": None if i % 3 else ("null" if i % 2 else "<img src=x onerror=alert(1)>"), "weight": i * 0.37 % 50,
     "big": 2**53 + i, "trace": [i]}}
    for i in range(3000)
)
print("rows", len(Session()))
"""
EXTENSION = "%load_ext datajoint_jupyter"
QUICK = """
if "get_ipython" in globals():  # views look again five times a second, so that no test waits for the next look
    import datajoint_jupyter.poller, datajoint_jupyter.work.watcher
    datajoint_jupyter.poller.INTERVAL = datajoint_jupyter.work.watcher.INTERVAL = 0.2
"""


def set_up(name):
    """Return the cell that makes the pipeline in a database of its own."""
    return SET_UP.format(name=name)
