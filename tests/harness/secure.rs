//! TLS before an upstream: certificates of the test's own authority, right and wrong ones, and
//! HTTP/2 made of HTTP/1.1.

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{Request, Response};
use rcgen::{
    BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

type Shown = Arc<Mutex<Arc<ServerConfig>>>;

/// Who signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    roots: Arc<RootCertStore>,
}

/// What a server wants to know of its clients while a connection is made.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Clients {
    /// Nothing.
    #[default]
    Unasked,
    /// It asks for a certificate of its own authority, and goes on without one.
    Asked,
    /// It wants one.
    Certified,
}

/// What a certificate is like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Certificate {
    /// For 127.0.0.1, now.
    Right,
    /// For another name.
    OtherName,
    /// It was right once.
    Expired,
    /// It will be right.
    NotYet,
}

impl Default for Authority {
    fn default() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("key");
        let certificate = params.self_signed(&key).expect("certificate");
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).expect("authority");
        Self {
            issuer: Issuer::new(params, key),
            pem: certificate.pem(),
            roots: Arc::new(roots),
        }
    }
}

impl Authority {
    /// Its own certificate (PEM).
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate (PEM) for a client, and its private key.
    pub fn client(&self, certificate: Certificate) -> (String, String) {
        let (params, key) = params(certificate);
        let signed = params.signed_by(&key, &self.issuer).expect("certificate");
        (signed.pem(), key.serialize_pem())
    }

    /// A server that shows such a certificate; `frames`: it speaks HTTP/2.
    fn sign(&self, certificate: Certificate, clients: Clients, frames: bool) -> Arc<ServerConfig> {
        let (params, key) = params(certificate);
        let signed = params.signed_by(&key, &self.issuer).expect("certificate");
        let private = PrivateKeyDer::try_from(key.serialize_der()).expect("key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::clone(&self.roots), provider);
        let verifier = match clients {
            Clients::Unasked => Ok(WebPkiClientVerifier::no_client_auth()),
            Clients::Asked => verifier.allow_unauthenticated().build(),
            Clients::Certified => verifier.build(),
        };
        let builder = builder.expect("versions");
        let builder = builder.with_client_cert_verifier(verifier.expect("authority"));
        let mut config = builder
            .with_single_cert(vec![signed.der().clone()], private)
            .expect("certificate");
        config.alpn_protocols = vec![if frames {
            b"h2".to_vec()
        } else {
            b"http/1.1".to_vec()
        }];
        Arc::new(config)
    }
}

/// What a certificate says, and a key for it.
fn params(certificate: Certificate) -> (CertificateParams, KeyPair) {
    let name = if certificate == Certificate::OtherName {
        "other.example"
    } else {
        "127.0.0.1"
    };
    let mut params = CertificateParams::new([name.to_owned()]).expect("name");
    match certificate {
        Certificate::Expired => params.not_after = date_time_ymd(2020, 1, 1),
        Certificate::NotYet => params.not_before = date_time_ymd(2090, 1, 1),
        Certificate::Right | Certificate::OtherName => {}
    }
    (params, KeyPair::generate().expect("key"))
}

/// TLS before a plain server, gone when it is dropped.
pub struct Secure {
    address: SocketAddr,
    authority: Authority,
    frames: bool,
    shown: Shown,
    rude: Arc<AtomicBool>,
    certified: Arc<AtomicUsize>,
    runtime: Option<Runtime>,
}

impl Secure {
    /// Begins to listen; what comes goes on to `behind`. `frames`: it speaks HTTP/2.
    pub fn start(behind: SocketAddr, authority: Authority, frames: bool) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        let runtime = runtime.expect("runtime");
        let shown: Shown = Arc::new(Mutex::new(authority.sign(
            Certificate::Right,
            Clients::Unasked,
            frames,
        )));
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("port");
        let address = listener.local_addr().expect("address");
        let (showing, rude) = (Arc::clone(&shown), Arc::new(AtomicBool::new(false)));
        let is_rude = Arc::clone(&rude);
        let certified = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&certified);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let config = Arc::clone(&showing.lock().unwrap_or_else(PoisonError::into_inner));
                let how = How {
                    behind,
                    frames,
                    rude: is_rude.load(Ordering::SeqCst),
                };
                let counted = Arc::clone(&counted);
                // What goes wrong with a connection is for its client to tell.
                tokio::spawn(async move { serve(config, stream, how, &counted).await.ok() });
            }
        });
        Self {
            address,
            authority,
            frames,
            shown,
            rude,
            certified,
            runtime: Some(runtime),
        }
    }

    /// `https://127.0.0.1:port/`.
    pub fn url(&self) -> String {
        format!("https://{}/", self.address)
    }

    /// Who signed its certificate.
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Shows another certificate from now on, and asks for none.
    pub fn show(&self, certificate: Certificate) {
        self.use_config(
            self.authority
                .sign(certificate, Clients::Unasked, self.frames),
        );
    }

    /// Wants so much of its clients from now on.
    pub fn ask_clients(&self, clients: Clients) {
        let config = self
            .authority
            .sign(Certificate::Right, clients, self.frames);
        self.use_config(config);
    }

    fn use_config(&self, config: Arc<ServerConfig>) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = config;
    }

    /// Connections whose client showed a certificate.
    pub fn certified(&self) -> usize {
        self.certified.load(Ordering::SeqCst)
    }

    /// Connections that begin now end without a word: as if someone between had cut them.
    pub fn be_rude(&self, rude: bool) {
        self.rude.store(rude, Ordering::SeqCst);
    }
}

/// How a connection is served.
#[derive(Clone, Copy)]
struct How {
    behind: SocketAddr,
    frames: bool,
    rude: bool,
}

impl Drop for Secure {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(
    config: Arc<ServerConfig>,
    stream: TcpStream,
    how: How,
    certified: &AtomicUsize,
) -> io::Result<()> {
    let mut stream = TlsAcceptor::from(config).accept(stream).await?;
    if stream.get_ref().1.peer_certificates().is_some() {
        certified.fetch_add(1, Ordering::SeqCst);
    }
    if how.frames {
        return serve_frames(stream, how.behind)
            .await
            .map_err(io::Error::other);
    }
    let mut plain = TcpStream::connect(how.behind).await?;
    if !how.rude {
        return tokio::io::copy_bidirectional(&mut stream, &mut plain)
            .await
            .map(drop);
    }
    let ((mut from, mut to), (mut back, mut forth)) = (tokio::io::split(stream), plain.split());
    tokio::select! {
        ended = tokio::io::copy(&mut from, &mut forth) => ended.map(drop),
        ended = tokio::io::copy(&mut back, &mut to) => ended.map(drop),
    }
}

async fn serve_frames(stream: TlsStream<TcpStream>, behind: SocketAddr) -> Result<(), h2::Error> {
    let mut connection = h2::server::handshake(stream).await?;
    while let Some(request) = connection.accept().await {
        let (request, respond) = request?;
        tokio::spawn(async move { pass_on(request, respond, behind).await.ok() });
    }
    Ok(())
}

/// Passes a request on, and the answer back; an answer that breaks off is a stream that is reset.
async fn pass_on(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    behind: SocketAddr,
) -> io::Result<()> {
    let mut plain = TcpStream::connect(behind).await?;
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let mut head = format!("{} {path} HTTP/1.1\r\n", request.method());
    for (name, value) in request.headers() {
        head.push_str(&format!(
            "{name}: {}\r\n",
            value.to_str().unwrap_or_default()
        ));
    }
    head.push_str("\r\n");
    plain.write_all(head.as_bytes()).await?;
    let mut came = Vec::new();
    let Some((head, length, chunked)) = read_head(&mut plain, &mut came).await? else {
        respond.send_reset(Reason::INTERNAL_ERROR);
        return Ok(());
    };
    let bare = head.status() == 304 || request.method() == "HEAD";
    let mut sending = respond
        .send_response(head, bare)
        .map_err(io::Error::other)?;
    if bare {
        return Ok(());
    }
    let whole = if chunked {
        pass_chunks(&mut plain, came, &mut sending).await
    } else {
        pass_bytes(&mut plain, came, &mut sending, length).await
    };
    if whole.unwrap_or(false) {
        return sending
            .send_data(Bytes::new(), true)
            .map_err(io::Error::other);
    }
    sending.send_reset(Reason::INTERNAL_ERROR);
    Ok(())
}

/// The answer's head with the length that it announces, and whether it comes in chunks; the
/// beginning of the body stays in `came`.
async fn read_head(
    plain: &mut TcpStream,
    came: &mut Vec<u8>,
) -> io::Result<Option<(Response<()>, Option<usize>, bool)>> {
    let end = loop {
        if let Some(at) = came.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if plain.read_buf(came).await? == 0 {
            return Ok(None);
        }
    };
    let text = String::from_utf8_lossy(&came[..end]).into_owned();
    came.drain(..end + 4);
    let status = text.split(' ').nth(1).unwrap_or_default();
    let (mut head, mut length, mut chunked) = (Response::builder().status(status), None, false);
    for (name, value) in text
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
    {
        match name {
            "transfer-encoding" => chunked = true,
            "connection" => {}
            _ => head = head.header(name, value),
        }
        if name == "content-length" {
            length = value.parse().ok();
        }
    }
    Ok(Some((
        head.body(()).map_err(io::Error::other)?,
        length,
        chunked,
    )))
}

/// Passes on so many bytes, or all until the connection ends; whether these were all.
async fn pass_bytes(
    plain: &mut TcpStream,
    mut came: Vec<u8>,
    sending: &mut SendStream<Bytes>,
    length: Option<usize>,
) -> io::Result<bool> {
    let mut passed = 0;
    loop {
        passed += came.len();
        let bytes = Bytes::from(std::mem::take(&mut came));
        sending.send_data(bytes, false).map_err(io::Error::other)?;
        if length == Some(passed) {
            return Ok(true);
        }
        came.reserve(64 * 1024);
        if plain.read_buf(&mut came).await? == 0 {
            return Ok(length.is_none_or(|length| length <= passed));
        }
    }
}

/// Passes on what is in chunks; whether the last one came.
async fn pass_chunks(
    plain: &mut TcpStream,
    mut came: Vec<u8>,
    sending: &mut SendStream<Bytes>,
) -> io::Result<bool> {
    loop {
        let line = came.windows(2).position(|two| two == b"\r\n");
        let size = line.and_then(|end| {
            let text = std::str::from_utf8(&came[..end]).ok()?;
            Some((end + 2, usize::from_str_radix(text, 16).ok()?))
        });
        match size {
            Some((_, 0)) => return Ok(true),
            Some((start, size)) if came.len() >= start + size + 2 => {
                let chunk = Bytes::copy_from_slice(&came[start..start + size]);
                sending.send_data(chunk, false).map_err(io::Error::other)?;
                came.drain(..start + size + 2);
            }
            _ if plain.read_buf(&mut came).await? == 0 => return Ok(false),
            _ => {}
        }
    }
}
