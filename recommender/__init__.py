"""Papers in, picks out: learns a channel's taste from its feedback. Pure and deterministic; no chat, SQL or HTTP."""
