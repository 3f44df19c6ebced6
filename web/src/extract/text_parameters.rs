//! How the document tells of parameters that are texts and may be absent.

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

/// Parameters of a query by their names, with what each means.
pub(super) fn text_parameters(all: &[(&str, &str)]) -> Vec<Parameter> {
    let parameter = |(name, description): &(&str, &str)| {
        let schema = ObjectBuilder::new().schema_type(Type::String);
        ParameterBuilder::new()
            .name(*name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(*description))
            .schema(Some(schema))
            .build()
    };
    all.iter().map(parameter).collect()
}
