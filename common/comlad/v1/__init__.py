"""Messages and services generated from proto/comlad/v1; nothing here is written by hand."""
