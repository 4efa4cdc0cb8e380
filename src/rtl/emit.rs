//! Writing a generated design to a folder: never over a file that memrtl did not write, never half.
