"""What a person can put right: shown as one message, without a traceback."""


class Complaint(Exception):
    pass
