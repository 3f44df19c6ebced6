//! Bodies as JSON, read strictly into the types of the API: every field is known and stands once.
//!
//! Messages name fields and never repeat values, which may be secrets. The code of a problem names
//! the field too, so it is found by the field's own name and not by serde's text.

mod error;
mod node;

mod reader;

use http::Method;
use larder_model::Problem;
use node::Node;
use serde::de::DeserializeOwned;

/// Reads a body. In one of a `PATCH`, `null` takes a setting back, and is refused where it cannot.
pub(super) fn read<T: DeserializeOwned>(method: &Method, body: &[u8]) -> Result<T, Problem> {
    let node: Node = serde_json::from_slice(body).map_err(|error| {
        let detail = format!(
            "the body is not a JSON object with each field once (line {}, column {})",
            error.line(),
            error.column()
        );
        Problem::invalid("body", detail)
    })?;
    let node = if method == Method::PATCH {
        node.patch()
    } else {
        node
    };
    T::deserialize(node).map_err(Problem::from)
}

#[cfg(test)]
mod tests;
