# docker build -t digit-lab .
# docker run --init -p 127.0.0.1:8501:8501 -v digit-lab:/app/saved_model digit-lab
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1

RUN useradd --create-home digit && install -d -o digit /app/kept_drawings
WORKDIR /app

COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock

COPY --chown=digit . .
USER digit

# Into the image, so that a container needs no network.
RUN python -m mnist_core data

# The runs. A named volume starts with the shipped run in it; an empty folder hides it.
VOLUME /app/saved_model
# What visitors keep.
VOLUME /app/kept_drawings

EXPOSE 8501
HEALTHCHECK --start-period=20s --timeout=5s CMD ["python", "-c", \
    "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]

# Inside, every address and any host name; `docker run -p` decides who reaches it.
CMD ["python", "-m", "streamlit", "run", "streamlit_app.py", "--server.headless=true", \
    "--server.address=0.0.0.0", "--server.allowedHosts=*", "--browser.serverAddress=localhost"]
