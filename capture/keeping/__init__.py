"""What a house holds of a person -> handed out, or erased now and in whatever is restored later."""
