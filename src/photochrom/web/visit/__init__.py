"""One visitor: files, how they shall look, what is made of them. Nothing here knows Streamlit."""
