"""Room: reading what senders deliver: manifests, plain tables, FHIR resources, MESH answers.

Data format seen here: identifiable; nothing read is logged, printed or written to disk.
May import: vocabulary, Arrow and the standard library; layouts come in as arguments.
Serves: Dorset notice 2018 on data "received in a secure landing area"; no manifest, no landing.
"""
