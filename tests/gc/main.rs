//! The collector of the built binary: what it frees and what it leaves, as those see it who push,
//! pull and delete.

mod bed;

mod commands;
mod damaged;
mod deletes;
mod engine;
mod every;
mod frees;
mod mirrors;
mod named;
mod promises;
mod servers;
mod uploads;
