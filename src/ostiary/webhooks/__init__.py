"""Signed notices of what happened, to addresses that a tenant names: Standard Webhooks, or a message as Slack takes it.

It promises that a notice is written in the transaction that records what it tells of, is sent until it was taken or its tries are used up, and is signed when it
is sent. It tells ids and closed words, never content, and decides nothing: whoever follows its link signs in and looks.
"""
