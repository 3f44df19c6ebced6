//! `Idempotency-Key` on every POST (draft-ietf-httpapi-idempotency-key-header): a request that comes
//! again under its key is not carried out again, but answered as it was, whichever server it reaches.

use crate::answer::SecretOf;
use crate::caller::Caller;
use crate::extract::body::collect;
use crate::extract::head::Client;
use crate::problem::Refusal;
use crate::state::ApiState;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use http::request::Parts;
use http::{Method, StatusCode};
use larder_metadata::idempotency::{HELD, KeptAnswer, KeptBody, KeyState, KeyedRequest};
use larder_model::{Kind, Problem};
use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

/// The header of the key.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Characters of a key.
const MAX: usize = 255;

/// Carries out a request that has a key at most once.
pub(crate) async fn carry_out_once(
    State(state): State<Arc<ApiState>>,
    caller: Caller,
    Client(client): Client,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let key = match request.method() {
        &Method::POST => read_key(request.headers())?,
        _ => None,
    };
    let Some(key) = key else {
        return Ok(next.run(request).await);
    };
    // The body belongs to what the key stands for: it is read before anything is judged.
    let (head, body) = request.into_parts();
    let body = collect(body).await?;
    let by_nobody = caller.principal().user.is_none();
    let keyed = keyed_request(&state, &caller, client.address, &head, (key, &body));
    match state.metadata.take_key(&keyed).await? {
        KeyState::Held => Err(in_use().into()),
        KeyState::Other => Err(reused().into()),
        KeyState::Answered(answer) => Ok(answer_again(answer)?),
        KeyState::Taken(run) => {
            let request = Request::from_parts(head, Body::from(body));
            // A client that goes away does not stop it, so that its answer is there when it asks
            // again.
            let running = tokio::spawn(async move {
                let run = HeldKey {
                    state,
                    keyed,
                    run,
                    by_nobody,
                };
                run.carry_out(next.run(request)).await
            });
            match running.await {
                Ok(response) => Ok(response?),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(error) => Err(Problem::internal(error).into()),
            }
        }
    }
}

/// The key of a request; it may stand in quotes, as the draft has it.
fn read_key(headers: &HeaderMap) -> Result<Option<Box<str>>, Problem> {
    let mut values = headers.get_all(&IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    let quoted = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let key = quoted.unwrap_or(text);
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    let is_key = (1..=MAX).contains(&key.len()) && key.bytes().all(is_plain);
    if is_key && values.next().is_none() {
        return Ok(Some(key.into()));
    }
    let detail = format!(
        "`Idempotency-Key` is one text of 1 to {MAX} visible ASCII characters, best a random UUID"
    );
    Err(Problem::invalid("idempotency_key", detail))
}

/// What the key stands for, and whose it is: a user's or robot's, else an address's.
fn keyed_request(
    state: &ApiState,
    caller: &Caller,
    address: IpAddr,
    head: &Parts,
    (key, body): (Box<str>, &[u8]),
) -> KeyedRequest {
    let principal = caller.principal();
    let whose = match principal.user {
        Some(user) => format!("user/{user}"),
        None => format!("address/{}", address.to_canonical()),
    };
    // What may less than its user is not shown what others of its tokens were answered.
    let limited = match head.headers.get(AUTHORIZATION) {
        Some(credentials) if !principal.is_unlimited() => credentials.as_bytes(),
        _ => &[],
    };
    let target = head.uri.path_and_query().map_or("", |it| it.as_str());
    // A seal, for a body may hold a password that could be guessed from a plain digest.
    let seal = state.gate.seal("idempotency");
    let request = seal.make(&[target.as_bytes(), body, limited]);
    KeyedRequest {
        principal: whose.into(),
        key,
        request: request.into(),
    }
}

/// A key that a run of its request holds.
struct HeldKey {
    state: Arc<ApiState>,
    keyed: KeyedRequest,
    run: i64,
    /// Whoever asks shows no credentials: keeps no rows by what was refused.
    by_nobody: bool,
}

impl HeldKey {
    /// Lets the request be answered, holds the key meanwhile, and keeps the answer.
    async fn carry_out(self, answer: impl Future<Output = Response>) -> Result<Response, Problem> {
        let mut answer = pin!(answer);
        let (mut head, body) = loop {
            tokio::select! {
                response = &mut answer => break response.into_parts(),
                () = tokio::time::sleep(HELD / 3) => self.hold().await,
            }
        };
        let body = collect(body).await?;
        let secret = head.extensions.remove::<SecretOf>();
        let metadata = &self.state.metadata;
        let by_somebody = !self.by_nobody || head.status.is_success();
        let ended = if by_somebody && is_kept(head.status) {
            let text = |name: HeaderName| {
                let value = head.headers.get(name)?.to_str().ok()?;
                Some(value.into())
            };
            let answer = KeptAnswer {
                status: head.status.as_u16(),
                content_type: text(CONTENT_TYPE),
                location: text(LOCATION),
                body: match secret {
                    Some(SecretOf(id)) => KeptBody::SecretOf(id),
                    None => KeptBody::Bytes(body.clone()),
                },
            };
            metadata.answer_key(&self.keyed, self.run, &answer).await
        } else {
            metadata.free_key(&self.keyed, self.run).await
        };
        if let Err(error) = ended {
            // What was done is done: the client is told so, and the key is free after a while.
            let problem = Problem::from(error);
            tracing::warn!(
                problem = problem.with_causes(),
                "an answer could not be kept under its key"
            );
        }
        Ok(Response::from_parts(head, body.into()))
    }

    async fn hold(&self) {
        if let Err(error) = self.state.metadata.hold_key(&self.keyed, self.run).await {
            let problem = Problem::from(error);
            tracing::warn!(
                problem = problem.with_causes(),
                "the key of a running request could not be held"
            );
        }
    }
}

/// Whether an answer is given again. Of what failed, or was refused for what may be otherwise soon,
/// nothing was done: it may be asked anew under the same key.
fn is_kept(status: StatusCode) -> bool {
    !status.is_server_error()
        && !matches!(
            status,
            StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::TOO_MANY_REQUESTS
        )
}

/// The answer that was given before.
fn answer_again(answer: KeptAnswer) -> Result<Response, Problem> {
    let body = match answer.body {
        KeptBody::Bytes(bytes) => bytes,
        KeptBody::SecretOf(id) => return Ok(Refusal(already_shown(id)).about(Some(id))),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status).map_err(Problem::internal)?;
    for (name, value) in [
        (CONTENT_TYPE, answer.content_type),
        (LOCATION, answer.location),
    ] {
        if let Some(value) = value {
            let value = HeaderValue::try_from(&*value).map_err(Problem::internal)?;
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

fn already_shown(id: i64) -> Problem {
    let detail = format!(
        "this request made {id}, and its secret was shown once; no secret is kept. Delete it and make \
         another one under a new key, if the secret was lost"
    );
    Problem::new(Kind::Conflict, "secret", detail)
}

fn in_use() -> Problem {
    let detail =
        "the request of this `Idempotency-Key` is still being carried out; ask again in a while";
    Problem::new(Kind::Conflict, "idempotency_key", detail)
}

fn reused() -> Problem {
    let detail =
        "another request was sent under this `Idempotency-Key`; each request has a key of its own";
    Problem::new(Kind::Unprocessable, "idempotency_key", detail)
}

#[cfg(test)]
mod tests;
