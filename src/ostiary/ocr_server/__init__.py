"""The OCR service: `POST /v1/ocr`, a picture in, its lines out, as `ocr_image` reads them in process.

It keeps no picture and logs no text, reaches no network, and needs no home and no database. On any address but this machine's own it asks for a bearer token.
"""
