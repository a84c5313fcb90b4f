"""The OCR service: `POST /v1/ocr`, a picture in, its lines out, as `ocr_image` reads them in process.

It reads them in a child process that opens no socket, keeps no picture and no text, logs none, reaches no network, and needs no home and no database. On any address but this machine's own it asks for a bearer token.
"""
