use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use s3s::{S3Request, S3Response, S3Result, auth::SimpleAuth, dto::*, s3_error, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

/// An S3 server with one bucket, on the current tokio runtime.
pub struct S3 {
    task: JoinHandle<()>,
    port: u16,
    files: Arc<Files>,
    folder: TempDir,
}

impl S3 {
    pub const BUCKET: &str = "bucket";
    pub const ACCESS_KEY: &str = "klieg-test";
    pub const SECRET_KEY: &str = "klieg-test-secret";

    pub async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("klieg-s3-").tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join(Self::BUCKET)).expect("a bucket");
        let files = Arc::new(Files {
            files: FileSystem::new(folder.path()).unwrap_or_else(|e| panic!("an S3 server: {e:?}")),
            uploads: Mutex::default(),
            failures: AtomicU32::new(0),
        });
        let mut service = S3ServiceBuilder::new(Shared(Arc::clone(&files)));
        service.set_auth(SimpleAuth::from_single(Self::ACCESS_KEY, Self::SECRET_KEY));
        let service = service.build();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bind to 127.0.0.1");
        let port = listener.local_addr().expect("its address").port();
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                // A client that goes away is no error of the server's.
                tokio::spawn(async move {
                    drop(Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await)
                });
            }
        });
        Self { task, port, files, folder }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The next so many requests fail with 503.
    pub fn fail_next(&self, requests: u32) {
        self.files.failures.store(requests, Ordering::SeqCst);
    }

    /// Multipart uploads that have been neither completed nor aborted.
    pub fn uploads_open(&self) -> usize {
        self.files.uploads().len()
    }

    /// Where the server keeps an object: to damage it.
    pub fn file(&self, key: &str) -> PathBuf {
        self.folder.path().join(Self::BUCKET).join(key)
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// s3s-fs, which knows no ListMultipartUploads, with it; and with failures to order.
struct Files {
    files: FileSystem,
    /// Key and beginning, by upload.
    uploads: Mutex<BTreeMap<String, (String, Timestamp)>>,
    failures: AtomicU32,
}

impl Files {
    fn uploads(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, (String, Timestamp)>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn may_fail(&self) -> S3Result<()> {
        match self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Err(s3_error!(SlowDown, "it was told to fail")),
            Err(_) => Ok(()),
        }
    }
}

struct Shared(Arc<Files>);

macro_rules! pass_on {
    ($($operation:ident: $input:ident => $output:ident,)*) => {
        #[async_trait::async_trait]
        impl s3s::S3 for Shared {
            $(async fn $operation(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                self.0.may_fail()?;
                self.0.files.$operation(request).await
            })*

            async fn create_multipart_upload(
                &self,
                request: S3Request<CreateMultipartUploadInput>,
            ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
                self.0.may_fail()?;
                let key = request.input.key.clone();
                let made = self.0.files.create_multipart_upload(request).await?;
                let upload = made.output.upload_id.clone().unwrap_or_default();
                self.0.uploads().insert(upload, (key, Timestamp::from(now())));
                Ok(made)
            }

            async fn complete_multipart_upload(
                &self,
                request: S3Request<CompleteMultipartUploadInput>,
            ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
                self.0.may_fail()?;
                let upload = request.input.upload_id.clone();
                let done = self.0.files.complete_multipart_upload(request).await?;
                self.0.uploads().remove(&upload);
                Ok(done)
            }

            async fn abort_multipart_upload(
                &self,
                request: S3Request<AbortMultipartUploadInput>,
            ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
                self.0.may_fail()?;
                let upload = request.input.upload_id.clone();
                let done = self.0.files.abort_multipart_upload(request).await?;
                self.0.uploads().remove(&upload);
                Ok(done)
            }

            async fn list_multipart_uploads(
                &self,
                request: S3Request<ListMultipartUploadsInput>,
            ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
                self.0.may_fail()?;
                let prefix = request.input.prefix.unwrap_or_default();
                let uploads = self.0.uploads();
                let listed = uploads.iter().filter(|(_, (key, _))| key.starts_with(&prefix)).map(|(upload, (key, begun))| {
                    MultipartUpload {
                        key: Some(key.clone()), upload_id: Some(upload.clone()), initiated: Some(begun.clone()), ..Default::default()
                    }
                });
                let uploads = Some(listed.collect());
                let output = ListMultipartUploadsOutput { uploads, is_truncated: Some(false), ..Default::default() };
                Ok(S3Response::new(output))
            }
        }
    };
}

pass_on! {
    copy_object: CopyObjectInput => CopyObjectOutput,
    delete_object: DeleteObjectInput => DeleteObjectOutput,
    get_object: GetObjectInput => GetObjectOutput,
    head_bucket: HeadBucketInput => HeadBucketOutput,
    head_object: HeadObjectInput => HeadObjectOutput,
    list_objects_v2: ListObjectsV2Input => ListObjectsV2Output,
    put_object: PutObjectInput => PutObjectOutput,
    upload_part: UploadPartInput => UploadPartOutput,
    upload_part_copy: UploadPartCopyInput => UploadPartCopyOutput,
    list_parts: ListPartsInput => ListPartsOutput,
}

#[expect(clippy::disallowed_methods, reason = "a server's own clock")]
fn now() -> std::time::SystemTime {
    std::time::SystemTime::now()
}
