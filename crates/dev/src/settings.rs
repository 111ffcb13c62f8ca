//! What a later `up` needs to continue this one: secrets, ports, and where the data lies.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use run_queue::{Names, Service};
use serde::{Deserialize, Serialize};

use crate::{
    servers::{account::is_root, free_port, is_free, nats::Login, password, random_bytes},
    stack::Folder,
};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) data: PathBuf,
    pub(crate) postgres_password: String,
    pub(crate) tertulia_password: String,
    #[serde(default = "new_password")]
    pub(crate) owner_password: String,
    pub(crate) datasets_password: String,
    #[serde(default = "new_password")]
    pub(crate) datasets_visitor_password: String,
    pub(crate) nats_password: String,
    #[serde(default = "new_password")]
    pub(crate) session_service_nats_password: String,
    #[serde(default = "new_password")]
    pub(crate) run_worker_nats_password: String,
    pub(crate) jwt_secret: String,
    pub(crate) sealing_keys: String,
    pub(crate) grpc_port: Option<u16>,
    pub(crate) postgres_port: Option<u16>,
    pub(crate) nats_port: Option<u16>,
}

impl Settings {
    pub(crate) fn find(folder: &Folder) -> anyhow::Result<Option<Self>> {
        let file = folder.settings();
        if !file.exists() {
            return Ok(None);
        }
        let text = fs::read(&file).with_context(|| file.display().to_string())?;
        Ok(Some(serde_json::from_slice(&text).with_context(|| file.display().to_string())?))
    }

    pub(crate) fn find_or_generate(folder: &Folder) -> anyhow::Result<Self> {
        if let Some(settings) = Self::find(folder)? {
            return Ok(settings);
        }
        let settings = Self::generate(data_folder(folder.path()))?;
        set_aside(&settings.data)?;
        settings.save(folder)?;
        Ok(settings)
    }

    /// New secrets, and no ports yet.
    pub(crate) fn generate(data: PathBuf) -> anyhow::Result<Self> {
        Ok(Self {
            data,
            postgres_password: password()?,
            tertulia_password: password()?,
            owner_password: password()?,
            datasets_password: password()?,
            datasets_visitor_password: password()?,
            nats_password: password()?,
            session_service_nats_password: password()?,
            run_worker_nats_password: password()?,
            jwt_secret: password()?,
            sealing_keys: format!("1:{}", BASE64_STANDARD.encode(random_bytes::<32>()?)),
            grpc_port: None,
            postgres_port: None,
            nats_port: None,
        })
    }

    pub(crate) fn nats_password_of(&self, service: Service) -> &str {
        match service {
            Service::SessionService => &self.session_service_nats_password,
            Service::RunWorker => &self.run_worker_nats_password,
        }
    }

    /// As both services log in to NATS.
    pub(crate) fn nats_logins<'a>(&'a self, names: &'a Names) -> [Login<'a>; 2] {
        [Service::SessionService, Service::RunWorker].map(|service| Login {
            service,
            names,
            password: self.nats_password_of(service),
        })
    }

    pub(crate) fn save(&self, folder: &Folder) -> anyhow::Result<()> {
        folder.write(&folder.settings(), self)
    }
}

/// For what an older release did not write down. It has no way to fail.
fn new_password() -> String {
    password().expect("the operating system has random bytes")
}

/// The port asked for, else the one used before, else `default`, else any: the first that is free.
pub(crate) fn choose_port(
    asked: Option<u16>,
    kept: Option<u16>,
    default: Option<u16>,
) -> anyhow::Result<u16> {
    match asked {
        Some(port) if is_free(port) => Ok(port),
        Some(port) => bail!("port {port} is taken"),
        None => match [kept, default].into_iter().flatten().find(|port| is_free(*port)) {
            Some(port) => Ok(port),
            None => Ok(free_port()?),
        },
    }
}

/// As root, the servers' user may not be able to reach the target folder.
fn data_folder(folder: &Path) -> PathBuf {
    if !is_root() {
        return folder.join("data");
    }
    let mut hasher = DefaultHasher::new();
    folder.hash(&mut hasher);
    Path::new("/var/lib/tertulia-dev").join(format!("{:016x}", hasher.finish()))
}

/// Data whose settings are gone, with their passwords and keys, can't be continued.
fn set_aside(data: &Path) -> anyhow::Result<()> {
    if data.exists() {
        let old = data.with_added_extension("old");
        eprintln!("the settings of the data in {0} are gone; it is now {0}.old", data.display());
        if old.exists() {
            fs::remove_dir_all(&old)?;
        }
        fs::rename(data, &old)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_taken_port_is_refused_when_asked_for_and_avoided_otherwise() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let taken = listener.local_addr().unwrap().port();

        assert!(choose_port(Some(taken), None, None).is_err());
        assert_ne!(choose_port(None, Some(taken), Some(taken)).unwrap(), taken);
    }

    #[test]
    fn settings_of_an_older_release_are_completed() {
        let new = Settings::generate("data".into()).unwrap();
        let mut old = serde_json::to_value(&new).unwrap();
        let later = [
            "owner_password",
            "datasets_visitor_password",
            "session_service_nats_password",
            "run_worker_nats_password",
        ];
        for field in later {
            old.as_object_mut().unwrap().remove(field).unwrap();
        }

        let completed: Settings = serde_json::from_value(old).unwrap();

        assert_eq!(completed.jwt_secret, new.jwt_secret);
        let completed = serde_json::to_value(completed).unwrap();
        assert!(later.iter().all(|field| completed[field].as_str().unwrap().len() == 48));
    }
}
