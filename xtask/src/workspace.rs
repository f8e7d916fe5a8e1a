//! What cargo knows of this workspace, so that no list of packages, features or tests has to be kept here by hand.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::tool;

/// The engine's package, whose features are tested in several sets.
pub(crate) const CORE: &str = "qmp-core";
/// The package of the typed vocabulary, a feature a chapter.
pub(crate) const VOCABULARY: &str = "qmp-qapi";
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) license: Option<String>,
    pub(crate) features: Vec<String>,
    /// Its integration tests, by name.
    pub(crate) tests: Vec<String>,
}

impl Workspace {
    pub(crate) fn load() -> Result<Self> {
        let mut metadata = tool::cargo(["metadata", "--no-deps", "--format-version=1"]);
        let text = tool::read(metadata.current_dir(root()))?;
        let metadata = serde_json::from_str::<Value>(&text).context("cargo metadata printed no JSON")?;
        Self::from_metadata(&metadata).context("cargo metadata lacks a member that it has always had")
    }

    pub(crate) fn package(&self, name: &str) -> Result<&Package> {
        let found = self.packages.iter().find(|package| package.name == name);
        found.with_context(|| format!("the workspace has no package {name}"))
    }

    /// The selection of packages and features that every test is built with: one, so that each crate is built once.
    pub(crate) fn everything(&self) -> Result<[String; 3]> {
        let mut all = Vec::new();
        for package in [CORE, VOCABULARY] {
            // What defmt calls exists on bare metal alone.
            let features = self.package(package)?.features_without(&["defmt"]);
            all.extend(features.split(',').map(|feature| format!("{package}/{feature}")));
        }
        Ok(["--workspace".into(), "--features".into(), all.join(",")])
    }

    /// The integration tests of all packages, by name.
    pub(crate) fn tests(&self) -> impl Iterator<Item = &str> {
        self.packages.iter().flat_map(|package| &package.tests).map(String::as_str)
    }

    fn from_metadata(metadata: &Value) -> Option<Self> {
        Some(Self {
            root: metadata["workspace_root"].as_str()?.into(),
            target: metadata["target_directory"].as_str()?.into(),
            packages: metadata["packages"].as_array()?.iter().map(Package::from_metadata).collect::<Option<_>>()?,
        })
    }
}

impl Package {
    /// Every feature but `default` and those named.
    pub(crate) fn features_without(&self, excluded: &[&str]) -> String {
        let wanted = |name: &&str| *name != "default" && !excluded.contains(name);
        self.features.iter().map(String::as_str).filter(wanted).collect::<Vec<_>>().join(",")
    }

    fn from_metadata(metadata: &Value) -> Option<Self> {
        let targets = metadata["targets"].as_array()?;
        let is = |target: &&Value, kind: &str| {
            target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|of| of == kind))
        };
        Some(Self {
            name: metadata["name"].as_str()?.into(),
            license: metadata["license"].as_str().map(Into::into),
            features: metadata["features"].as_object()?.keys().cloned().collect(),
            tests: targets
                .iter()
                .filter(|target| is(target, "test"))
                .filter_map(|target| Some(target["name"].as_str()?.into()))
                .collect(),
        })
    }
}

/// The folder of the workspace: this package's parent, wherever cargo finds it today.
fn root() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.parent().map_or_else(|| here.clone(), Path::to_path_buf)
}
