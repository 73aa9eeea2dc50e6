//! Objects of any size.
