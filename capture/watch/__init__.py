"""Never silent: what a house may not notice by itself -> a notice in the inbox and a mail to its owner, once.

`silence` says whether no inquiry has come for too long, `canary` sends a test through a form and follows it, `digest`
counts what is held, `told` says who is told of it and makes the rows, `letters` writes the mail, `watcher` is the
thread that looks at all of it.
"""
