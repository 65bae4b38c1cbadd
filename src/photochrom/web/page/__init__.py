"""What Streamlit shows, and the app's own components."""
