"""The web page (extra ``web``): Streamlit on top of a visit that does not know it."""
