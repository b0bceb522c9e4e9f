"""What has changed, in an order that readers can rely on."""
