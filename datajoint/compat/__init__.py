"""What programs written for DataJoint 2.3 ask for and this library itself does not use."""
