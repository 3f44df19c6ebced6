//! The pages of the web GUI: what an engineer opens to see what is there, and to run the place.
//!
//! Knows: HTML, languages, what each screen shows. A page is made of the answers of the REST API, asked
//! inside of this process for whoever looks at it: so a page shows, and does, what the same user
//! could by the API, and nothing else. Must never know: tables, bytes, rights.
//!
//! Every page works without scripts; with them it is live.

#![expect(
    clippy::ref_option,
    clippy::struct_field_names,
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_self,
    reason = "templates call methods, with references, and fields are named as texts name them"
)]

mod language;
mod coding;
mod assets;
mod format;
mod size;
mod query;
mod policy;
mod masked;
mod address;
mod markdown;

mod visit;
mod chart;
mod menu;
mod page;
mod form;
mod refused;

mod screens;
mod router;
mod door;

pub use door::Gui;
pub use screens::addresses::is_for_people;
