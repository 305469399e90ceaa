"""Backups: a data folder that is in use -> one file that was proven to hold it, and a data folder again.

A backup that was never opened is a hope. So each one is opened when it is made, and `restore --drill` goes all the way
to a house that answers, beside the one that works.
"""
