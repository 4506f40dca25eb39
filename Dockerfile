# The designer on PyTorch's CPU build: docker build -t vislrp . && docker run --rm -p 8501:8501 vislrp
FROM python:3.13-slim AS wheel
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /dist .

FROM python:3.13-slim
WORKDIR /setup
COPY requirements.txt requirements-cpu.txt ./
RUN pip install --no-cache-dir -r requirements-cpu.txt \
    && if pip list --format=freeze | grep -i "^nvidia-"; then echo "CUDA libraries were installed" >&2; exit 1; fi
COPY --from=wheel /dist/*.whl ./
RUN pip install --no-cache-dir --no-deps ./*.whl && useradd --create-home --uid 1000 vislrp
USER vislrp
WORKDIR /home/vislrp
ENV VISLRP_NETWORK=embedded VISLRP_ALLOW_DOWNLOAD=0 PYTHONUNBUFFERED=1
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
# Further options of streamlit may follow: docker run vislrp --server.baseUrlPath vislrp
ENTRYPOINT ["vislrp", "app", "--server.address=0.0.0.0", "--server.port=8501", "--server.headless=true", \
            "--server.fileWatcherType=none"]
