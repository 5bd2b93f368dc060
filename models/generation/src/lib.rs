//! Text by language models: LLaMA and its kin, T5; paged caches, grammars.
