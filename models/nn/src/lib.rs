//! Layers that the models share: the fused kernels as candle ops, each with its plain form; weights packed for a processor.
