"""Figures, and the page that sets generated samples against real material."""
