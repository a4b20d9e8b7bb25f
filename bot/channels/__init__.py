"""What the bot does in a channel, free of any platform: plain values in, plain values out."""
