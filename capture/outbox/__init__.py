"""The outbox: rows that were written together with a submission -> e-mail and a signed webhook, at least once.

`audience` says who is to be told of a submission, `agreement` who of a consent, `worker` claims the rows and marks
them, `letters` and `mail` make and send a mail, `webhook` makes, signs and sends a post, `backoff` says when to try
again, `mailbox` shows it in a preview.
"""
