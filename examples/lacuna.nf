#!/usr/bin/env nextflow
// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright 2026 The Lacuna authors
//
// Restores a directory with Nextflow, on one machine or on a cluster:
//
//	nextflow run examples/lacuna.nf --input scans --output restored --options '-A identity' --jobs 4
//
// Several jobs share the pictures.  Each picture is restored by one of them, and a job that was killed continues where it was.
// The last process checks that all pictures are done.  Paths are made absolute, because each job has its own directory.  Give
// the files of plugins (psf=, file=) as absolute paths, too.

params.lacuna = 'lacuna'
params.input = null
params.output = null
params.options = '-A identity'
params.jobs = 1

process share {
    errorStrategy 'retry'
    maxRetries 3

    input:
    tuple val(job), val(source), val(target)

    output:
    val job

    // Do not stop the others if a picture cannot be restored.
    script:
    """
    ${params.lacuna} batch '${source}' -o '${target}' ${params.options} -q --no-html --jobs ${task.cpus} || test \$? -eq 1
    """
}

process complete {
    input:
    val jobs
    tuple val(source), val(target)

    script:
    """
    ${params.lacuna} batch '${source}' -o '${target}' ${params.options} -q
    """
}

workflow {
    if (!params.input || !params.output)
        error('--input and --output are required')
    def source = file(params.input).toAbsolutePath()
    def target = file(params.output).toAbsolutePath()
    share(channel.of(1..params.jobs).map { job -> tuple(job, source, target) })
    complete(share.out.collect(), tuple(source, target))
}
