//! The command line.

use crate::ended::{Ended, exit_of};
use crate::house::House;
use crate::reset_password::reset_password;
use crate::restore::{Restore, check_only, restore_into};
use crate::rotate_key::{new_key, rotate_key};
use crate::{at_rest, listen, look, observe, stores};
use clap::{CommandFactory, Parser, Subcommand};
use larder_cli::{Exit, Global, Told};
use larder_config::{Config, Setting, Sources};
use larder_model::{Digest, UserName};
use serde_json::{Value, json};
use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// Container registry and mirror of every package source a team builds from.
#[derive(Parser)]
#[command(name = "larder", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve(Serve),
    /// Check the configuration and the files that it names, and print what is in force, and where each
    /// setting was set.
    Check(Serve),
    /// Ask the server that runs here with this configuration whether it is ready.
    Health(Serve),
    /// Restore a backup into an empty data folder and an empty database, while no server runs there.
    Restore(RestoreArguments),
    /// What whoever has the server's machine can do while the server is stopped.
    #[command(subcommand)]
    Admin(Admin),
    /// The keys that sign and close what is stored, while the server is stopped.
    #[command(subcommand)]
    Key(Key),
    #[command(flatten)]
    Client(Box<larder_cli::Command>),
}

#[derive(Subcommand)]
enum Admin {
    /// Give a user a new random password, which is printed, and let it in again.
    ResetPassword {
        /// The user's name.
        #[arg(default_value = "admin")]
        name: UserName,
        /// Let it do everything from now on.
        #[arg(long)]
        superuser: bool,
        /// Configuration file [default: ./larder.toml, if it is there].
        #[arg(long)]
        config: Option<PathBuf>,
        /// Folder of all data.
        #[arg(long)]
        data: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
enum Key {
    /// Make a new key, and close all stored secrets with it. What older keys signed is believed for a
    /// day more.
    Rotate {
        /// Configuration file [default: ./larder.toml, if it is there].
        #[arg(long)]
        config: Option<PathBuf>,
        /// Folder of all data.
        #[arg(long)]
        data: Option<PathBuf>,
    },
    /// Make a key where the file with the keys is lost for good. What they closed cannot be read any
    /// more.
    New {
        /// Configuration file [default: ./larder.toml, if it is there].
        #[arg(long)]
        config: Option<PathBuf>,
        /// Folder of all data.
        #[arg(long)]
        data: Option<PathBuf>,
    },
}

#[derive(clap::Args)]
struct RestoreArguments {
    /// The backup.
    file: PathBuf,
    /// Configuration file [default: ./larder.toml, if it is there].
    #[arg(long)]
    config: Option<PathBuf>,
    /// Folder of all data.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The digest that the backup must have, as it was told when it was made.
    #[arg(long, value_name = "DIGEST")]
    digest: Option<Digest>,
    /// Restore although blobs to which the backup refers are missing in the store.
    #[arg(long)]
    allow_missing: bool,
    /// Only read all of it, and tell whether it is whole.
    #[arg(long, conflicts_with = "allow_missing")]
    check: bool,
}

#[derive(clap::Args, Clone)]
struct Serve {
    /// Configuration file [default: ./larder.toml, if it is there].
    #[arg(long)]
    config: Option<PathBuf>,
    /// Folder of all data.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Address to listen on, e.g. 0.0.0.0:7070.
    #[arg(long, value_parser = larder_config::listen_address)]
    listen: Option<SocketAddr>,
}

/// Reads the command line and does what it says. The exit codes are those of [`Exit`].
pub(crate) fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() => return misused(&error),
        Err(asked) => asked.exit(), // help, or the version
    };
    let global = arguments.global;
    let show = |told| larder_cli::tell(Ok(told), &global);
    let ended = match arguments.command {
        Command::Client(command) => return client(*command, global),
        Command::Serve(flags) => serve(flags).map(|()| Exit::Done),
        Command::Check(flags) => check(flags, &global),
        Command::Health(flags) => health(flags).map(show),
        Command::Restore(arguments) => restore(arguments).map(show),
        Command::Admin(command) => admin(command, &global).map(show),
        Command::Key(command) => key(command).map(show),
    };
    ended.map_or_else(|error| failed(error, &global), |exit| exit.code().into())
}

/// Tells why a command of this machine did not do what it should.
fn failed(error: Box<dyn Error>, global: &Global) -> ExitCode {
    let exit = exit_of(error.as_ref());
    larder_cli::tell(Err((exit, error)), global).code().into()
}

/// Fails, before anything is done, where an answer that is text is wanted in a form that it has not.
fn require_form_of_text(global: &Global) -> Result<(), Ended> {
    if global.shows_text() {
        return Ok(());
    }
    let why = "this command's answer has no such form: use --output table or json";
    Err(Ended::new(Exit::Usage, why.to_owned()))
}

fn misused(error: &clap::Error) -> ExitCode {
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let words: Vec<String> = words.collect();
    // clap colors what it says where a terminal shows it and nobody minds.
    let as_json = larder_cli::wants_json(&words);
    if as_json {
        larder_cli::misused(&error.render().to_string());
    } else {
        drop(error.print()); // if even that fails, nobody is listening
    }
    ExitCode::from(Exit::Usage.code())
}

/// A command that is a client of a server, with the user's own profile.
fn client(command: larder_cli::Command, global: Global) -> ExitCode {
    let folder = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let config_dir = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")));
    let config_dir = config_dir.unwrap_or_else(|| PathBuf::from("."));
    let env = larder_cli::Env {
        config_dir,
        clock: stores::clock(),
        machine: machine(variables()),
        no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
        grammar: Arguments::command(),
    };
    if let Err(error) = larder_cli::exit_on_interrupt(&global) {
        return failed(error.into(), &global);
    }
    match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => ExitCode::from(
            runtime
                .block_on(larder_cli::run(command, global, &env))
                .code(),
        ),
        Err(error) => failed(error.into(), &global),
    }
}

/// What is in force is told all the same where files are wrong.
fn check(flags: Serve, global: &Global) -> Result<Exit, Box<dyn Error>> {
    require_form_of_text(global)?;
    let loaded = load(flags, variables())?;
    let settings: Vec<Value> = loaded.settings.iter().map(to_json).collect();
    let text = larder_config::told(&loaded.settings);
    let told = Told::text(json!({"items": settings, "next": null}), text.trim_end());
    let shown = larder_cli::tell(Ok(told), global);
    look::files(&loaded.config)?;
    Ok(shown)
}

/// As the API tells it.
fn to_json(setting: &Setting) -> Value {
    let set_by = setting.set_by.as_ref().map(ToString::to_string);
    json!({
        "key": setting.key, "value": setting.value, "default": setting.default, "set_by": set_by,
    })
}

/// For whoever looks after a container: nothing is printed where all is well.
fn health(flags: Serve) -> Result<Told, Box<dyn Error>> {
    let Loaded { config, .. } = load(flags, variables())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(crate::health::health(&config))?;
    Ok(Told::text(json!({"ready": true}), ""))
}

fn restore(arguments: RestoreArguments) -> Result<Told, Box<dyn Error>> {
    let asked = Restore {
        file: arguments.file,
        digest: arguments.digest,
        allow_missing: arguments.allow_missing,
    };
    if arguments.check {
        return check_only(&asked);
    }
    let flags = Serve {
        config: arguments.config,
        data: arguments.data,
        listen: None,
    };
    let Loaded { config, .. } = load(flags, variables())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    at_rest::keep_to_ourselves();
    runtime.block_on(restore_into(&config, &asked))
}

fn admin(command: Admin, global: &Global) -> Result<Told, Box<dyn Error>> {
    require_form_of_text(global)?;
    let Admin::ResetPassword {
        name,
        superuser,
        config,
        data,
    } = command;
    let flags = Serve {
        config,
        data,
        listen: None,
    };
    let Loaded { config, .. } = load(flags, variables())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    at_rest::keep_to_ourselves();
    let password = runtime.block_on(reset_password(&config, &name, superuser))?;
    let json = json!({"name": name, "password": password});
    Ok(Told::text(json, password))
}

fn key(command: Key) -> Result<Told, Box<dyn Error>> {
    let (config, data, is_lost) = match command {
        Key::Rotate { config, data } => (config, data, false),
        Key::New { config, data } => (config, data, true),
    };
    let flags = Serve {
        config,
        data,
        listen: None,
    };
    let Loaded { config, .. } = load(flags, variables())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    at_rest::keep_to_ourselves();
    if is_lost {
        new_key(&config)
    } else {
        runtime.block_on(rotate_key(&config))
    }
}

fn serve(flags: Serve) -> Result<(), Box<dyn Error>> {
    let variables = variables();
    let Loaded {
        config,
        settings,
        password,
    } = load(flags.clone(), variables.clone())?;
    let set_level = observe::start_log(&config.log);
    at_rest::keep_to_ourselves();
    // What can change while the server runs: the certificate and the level of the log.
    let read_again = {
        let variables = variables.clone();
        move || {
            let Loaded { config, .. } = load(flags.clone(), variables.clone())?;
            set_level(&config.log);
            Ok(())
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        // Whoever asks for a reload while the server starts does not end it: all is read anyway.
        let _reloads = signal(SignalKind::hangup())?;
        let house = Arc::new(House::build(&config, settings).await?);
        let (beginning, shared) = (&house.beginning, (&house.metadata, &*house.gate));
        let first = beginning.make(shared, &config, password, machine(variables));
        listen::serve(&house, &config, &read_again, first).await
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    outcome
}

/// The configuration, where each setting of it comes from, and the first administrator's password if
/// the environment has one.
struct Loaded {
    config: Config,
    settings: Vec<Setting>,
    password: Option<String>,
}

fn load(flags: Serve, env: Vec<(String, String)>) -> Result<Loaded, Box<dyn Error>> {
    let password = larder_config::first_password(&env)?;
    let sources = Sources {
        file: flags.config,
        env,
        data: flags.data,
        listen: flags.listen,
    };
    let (config, settings) = Config::load_told(&sources)?;
    Ok(Loaded {
        config,
        settings,
        password,
    })
}

/// The environment, as far as it is text.
fn variables() -> Vec<(String, String)> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

/// The machine, as its package managers see it from here.
fn machine(variables: Vec<(String, String)>) -> larder_cli::Machine {
    larder_cli::Machine::new(variables, std::env::current_dir().unwrap_or_default())
}
