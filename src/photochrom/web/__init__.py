"""The web page (extra ``web``): Streamlit, and one small component for the picture itself."""
