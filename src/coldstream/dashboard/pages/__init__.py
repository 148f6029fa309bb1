"""A module a page: what it asks for, and its routes in ``ROUTES``."""
