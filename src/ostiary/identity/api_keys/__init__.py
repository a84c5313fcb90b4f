"""API keys: their text, their check on the hot path, who a publishable key speaks for, and their actions. Stable ids, versions that overlap on rotation."""
