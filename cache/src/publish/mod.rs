//! What is published here: changes of packages, and documents composed of what is stored.

mod body;
mod steps;
mod packages;
mod publisher;
mod index_store;
mod hosted_index;
mod hosted_documents;

pub(crate) use hosted_documents::{HostedDocuments, composed};
pub(crate) use hosted_index::{HostedIndex, index_of};
pub(crate) use index_store::IndexStore;
pub(crate) use packages::{HostedPackages, NAMES, publishing_of};
pub(crate) use publisher::Publisher;
pub use publisher::RuledChange;
