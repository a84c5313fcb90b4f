"""The console: server-rendered pages over the door, for people. Each room of pages is a file here and a folder of templates.

A page does nothing by itself: it asks the door, as every face does, and shows the answer. It works without JavaScript for reading, approving and
searching; the small bundle from `frontend/` adds what is quicker with it. Nothing is loaded from elsewhere and nothing inline runs.
"""
