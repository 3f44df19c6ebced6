//! Whole runs over a folder of objects, with an upstream that a test has at hand.

mod faults;
mod house;
mod marks;
mod orphans;
mod resumed;
