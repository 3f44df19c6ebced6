//! The collector's steps in every order, and whole runs of it.

mod explore;
mod runs;
