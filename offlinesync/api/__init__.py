"""The protocol over HTTP: requests in, receipts out."""
