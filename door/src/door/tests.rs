use super::*;
use http::{Request, StatusCode};
use larder_access::Settings;
use larder_metadata::Metadata;
use larder_model::{Clock, Timestamp};
use larder_storage::BlobStore;
use std::net::Ipv4Addr;
use std::time::Duration;

/// A door whose answer is a fault of ours for `/panic`.
struct Faulty;

impl Door for Faulty {
    type Endpoint = bool;

    fn parse(&self, request: &Parts) -> Result<bool, Problem> {
        Ok(request.uri.path() == "/panic")
    }

    fn permissions(&self, _: &bool) -> Vec<Permission> {
        Vec::new()
    }

    async fn answer(
        &self,
        _: Admission,
        panics: bool,
        _: &Parts,
        _: &ClientView,
        _: &mut Incoming,
    ) -> Result<Answer, Problem> {
        assert!(!panics, "a secret of ours");
        Ok(Reply::new(StatusCode::NO_CONTENT).into())
    }

    fn refuse(&self, problem: &Problem, _: &RefusalContext<'_>) -> Reply {
        Reply::new(problem.status()).with_body("text/plain", problem.detail.clone().into_owned())
    }
}

async fn send(path: &str) -> DoorResponse {
    let folder = tempfile::tempdir().expect("folder");
    let database = folder.path().join("larder.db");
    let metadata = Metadata::sqlite(&database, 1, Clock::new(|| Timestamp(1)));
    let settings = Settings {
        keys: larder_keys::KeyRing::of([1; 32]),
        anonymous: true,
        token_life: Duration::from_mins(1),
        offline_token_life: Duration::from_mins(1),
        password_memory: 64 * 1024,
        login_attempts: 10,
        header_bytes: 64 * 1024,
    };
    let metadata = metadata.await.expect("database");
    let gate = Gate::new(metadata.clone(), settings);
    let gate = gate.await.expect("gate");
    let blobs = BlobStore::memory(folder.path()).expect("store");
    let content = ContentStore::new(metadata, blobs);
    let (request, ()) = Request::get(path)
        .header("host", "larder.example")
        .body(())
        .expect("request")
        .into_parts();
    let client = ClientView {
        base: "http://127.0.0.1".into(),
        address: Ipv4Addr::LOCALHOST.into(),
        request_id: "".into(),
        unheard: false,
    };
    let body = Incoming::ready(bytes::Bytes::new());
    open(&Faulty, &gate, &content, request, body, &client, None).await
}

#[tokio::test]
async fn a_panic_in_an_answer_is_told_as_a_fault_of_ours() {
    let told = send("/panic").await;
    assert_eq!(told.response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let problem = told.problem.expect("for the log");
    assert_eq!(problem.kind, Kind::Internal);
    assert!(!problem.detail.contains("secret"), "{problem}");
    let headers = told.response.headers();
    assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
}

#[tokio::test]
async fn an_answer_without_a_fault_is_given() {
    let told = send("/").await;
    assert_eq!(told.response.status(), StatusCode::NO_CONTENT);
    assert!(told.problem.is_none());
}
