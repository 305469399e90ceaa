"""What a house holds -> what is kept of it elsewhere, put back, given to whom it is of, or erased."""
