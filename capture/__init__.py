"""THE ENDPOINT: what a visitor sends -> an inquiry that sales works on -> a report to the writer.

Public side: `endpoint` takes posts, `accept` and `judge` decide, `store` keeps, `outbox` delivers. Staff side: `inbox`
and `terminal`. `report` tells the writer. `run` is all of it, and the site, as one server.
"""
