//! Replies that several calls give.

use http::StatusCode;
use larder_model::Reply;

pub(crate) fn json_reply(body: Vec<u8>) -> Reply {
    Reply::new(StatusCode::OK).with_body("application/json", body)
}
