"""What the API takes and gives, as models: for validation and for the OpenAPI document."""
