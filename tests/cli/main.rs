//! The command line as a user types it: the built binary, what it prints, and how it ends.

mod bed;

mod configured;
mod ends;
mod exits;
mod shells;
mod shown;
mod terminal;

mod connect;
mod readers;

mod apply;
mod exported;

mod doctor;
mod first_hour;
mod hour;
mod keys;
mod pasted;
mod readme;
