//! Text and pictures to vectors and classes: BERT and its kin, CLIP, SigLIP, ViT.
