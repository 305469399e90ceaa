"""AUDIT: who handed out, erased, let in or set what -> rows of one chain that cannot be changed without a trace.

`kinds` says what is told, `chain` makes and proves the rows, `capture.store.audit` keeps them, `command` is what the
terminal shows of them, and `settings` tells what was set anew.
"""
