"""The pipeline that the notebooks of entry forms and delete views work with; its names and comments are hostile."""

from __future__ import annotations

SET_UP = """
import datajoint as dj
dj.config.database.lock_timeout = 2
connection = dj.conn("sqlite:///{name}.db")
schema = dj.Schema("lab")

@schema
class Subject(dj.Manual):
    definition = '''
    # an animal <img src=x onerror=alert(1)>
    subject_id : int32
    ---
    species : enum('mouse', 'rat')
    nick="" : varchar(30)
    '''

@schema
class Session(dj.Manual):
    definition = '''
    # a recording
    -> Subject
    session : int32
    ---
    started : datetime
    day=null : date
    good=1 : bool
    weight=null : float64      # (g) before <b>anything</b> & "else"
    note=null : varchar(400)
    info=null : json
    trace=null : <blob>
    '''

    class Trial(dj.Part):
        definition = '''
        # what the animal did
        -> master
        trial : int32
        ---
        outcome : enum('hit', 'miss')
        '''

@schema
class Score(dj.Computed):
    definition = '''
    -> Session
    ---
    score : float64
    '''

    def make(self, key):
        self.insert1({{**key, "score": 1}})

Subject.insert({{"subject_id": i, "species": "mouse" if i % 2 else "rat", "nick": "<script>alert(1)</script>" if i == 5 else f"m{{i}}"}}
               for i in range(40))
"""
EXTENSION = "%load_ext datajoint_jupyter"


def set_up(name):
    """Return the cell that makes the pipeline in a database of its own."""
    return SET_UP.format(name=name)
