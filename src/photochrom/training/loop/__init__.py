"""The training loop: plan, batches, module, callbacks, checkpoints, log."""
