"""Pictures for training: where they come from, small copies, crops, ageing, hints."""
